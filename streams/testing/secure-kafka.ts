/** One broker that wants TLS, a password and rights on its secure listener; the test's own listener may do everything. */
import { formatCommand, SERVE_COMMAND, startBroker } from './broker';
import { brokerAnswers, freePort } from './servers';

const STORE_PASSWORD = 'changeit';
const STORE = '/tmp/keystore.p12';

export interface SecureKafkaServer {
  /** Without TLS, as a super user: for the test itself. */
  brokers: string[];
  secureBrokers: string[];
  username: string;
  password: string;
  /** PEM of the authority behind the secure listener. */
  authority: string;
  stop(): Promise<void>;
}

const properties = (open: number, secure: number): Readonly<Record<string, string>> => ({
  listeners: `PLAINTEXT://0.0.0.0:${open},SECURE://0.0.0.0:${secure},CONTROLLER://localhost:29093`,
  'advertised.listeners': `PLAINTEXT://127.0.0.1:${open},SECURE://localhost:${secure}`,
  'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,SECURE:SASL_SSL,CONTROLLER:PLAINTEXT',
  'sasl.enabled.mechanisms': 'SCRAM-SHA-512',
  'listener.name.secure.scram-sha-512.sasl.jaas.config':
    'org.apache.kafka.common.security.scram.ScramLoginModule required;',
  'listener.name.secure.ssl.keystore.location': STORE,
  'listener.name.secure.ssl.keystore.type': 'PKCS12',
  'listener.name.secure.ssl.keystore.password': STORE_PASSWORD,
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': 'User:ANONYMOUS',
});

const startScript = (username: string, password: string): string => `set -e
keytool -genkeypair -alias broker -keyalg RSA -dname CN=localhost -ext san=dns:localhost -validity 3 \\
  -storetype PKCS12 -keystore ${STORE} -storepass ${STORE_PASSWORD}
keytool -exportcert -rfc -alias broker -keystore ${STORE} -storepass ${STORE_PASSWORD} > /tmp/authority.pem
${formatCommand(`--add-scram 'SCRAM-SHA-512=[name=${username},password=${password}]'`)}
${SERVE_COMMAND}
`;

export async function startSecureKafka(): Promise<SecureKafkaServer> {
  const [open, secure] = [await freePort(), await freePort()];
  const [username, password] = ['rescore', 'of-a-test'];
  const container = await startBroker({
    ports: [open, secure],
    properties: properties(open, secure),
    isMeasured: false,
    script: startScript(username, password),
  });
  await brokerAnswers(open);
  const { output } = await container.exec(['cat', '/tmp/authority.pem']);
  return {
    brokers: [`127.0.0.1:${open}`],
    secureBrokers: [`localhost:${secure}`],
    username,
    password,
    authority: output,
    stop: async () => void (await container.stop()),
  };
}

/** One broker that wants TLS, a password and rights on its secure listener; the test's own listener may do everything. */
import { GenericContainer, Wait } from 'testcontainers';
import { IMAGES } from './images';
import { freePort } from './servers';

const START_MS = 120_000;
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

const properties = (open: number, secure: number): string => `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@localhost:29093
listeners=PLAINTEXT://0.0.0.0:${open},SECURE://0.0.0.0:${secure},CONTROLLER://localhost:29093
advertised.listeners=PLAINTEXT://127.0.0.1:${open},SECURE://localhost:${secure}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SECURE:SASL_SSL,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.secure.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.secure.ssl.keystore.location=${STORE}
listener.name.secure.ssl.keystore.type=PKCS12
listener.name.secure.ssl.keystore.password=${STORE_PASSWORD}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
log.dirs=/tmp/kafka-data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
auto.create.topics.enable=false
`;

const startScript = (username: string, password: string): string => `set -e
keytool -genkeypair -alias broker -keyalg RSA -dname CN=localhost -ext san=dns:localhost -validity 3 \\
  -storetype PKCS12 -keystore ${STORE} -storepass ${STORE_PASSWORD}
keytool -exportcert -rfc -alias broker -keystore ${STORE} -storepass ${STORE_PASSWORD} > /tmp/authority.pem
/opt/kafka/bin/kafka-storage.sh format --ignore-formatted -t MkU3OEVBNTcwNTJENDM2Qg -c /tmp/server.properties \\
  --add-scram 'SCRAM-SHA-512=[name=${username},password=${password}]'
exec /opt/kafka/bin/kafka-server-start.sh /tmp/server.properties
`;

export async function startSecureKafka(): Promise<SecureKafkaServer> {
  const [open, secure] = [await freePort(), await freePort()];
  const [username, password] = ['rescore', 'of-a-test'];
  const container = await new GenericContainer(IMAGES.kafka)
    .withExposedPorts({ container: open, host: open }, { container: secure, host: secure })
    .withEnvironment({ KAFKA_HEAP_OPTS: '-Xmx512m' })
    .withCopyContentToContainer([
      { content: properties(open, secure), target: '/tmp/server.properties' },
      { content: startScript(username, password), target: '/tmp/start.sh' },
    ])
    .withEntrypoint(['sh'])
    .withCommand(['/tmp/start.sh'])
    .withWaitStrategy(Wait.forListeningPorts())
    .withStartupTimeout(START_MS)
    .start();
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

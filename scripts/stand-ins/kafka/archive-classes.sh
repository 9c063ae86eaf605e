#!/bin/sh
# One start of tool and broker while the image is built: what they load is kept for the starts to come.
set -eu
folder=$(mktemp -d)
cat >"$folder/server.properties" <<END
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@localhost:29093
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:29092,CONTROLLER://localhost:29093
log.dirs=$folder/data
END
java -Xmx128m -XX:ArchiveClassesAtExit=/opt/kafka/storage.jsa -cp '/opt/kafka/libs/*' \
  kafka.tools.StorageTool format -t MkU3OEVBNTcwNTJENDM2Qg -c "$folder/server.properties"
java -Xmx512m -XX:ArchiveClassesAtExit=/opt/kafka/kafka.jsa -cp '/opt/kafka/libs/*' \
  kafka.Kafka "$folder/server.properties" >"$folder/log" 2>&1 &
broker=$!
# Port 29092 listens.
for _ in $(seq 120); do
  grep -q ':71A4 .* 0A ' /proc/net/tcp /proc/net/tcp6 && break
  kill -0 "$broker" || { cat "$folder/log"; exit 1; }
  sleep 0.5
done
sleep 2
kill "$broker"
wait "$broker" || true
rm -rf "$folder"

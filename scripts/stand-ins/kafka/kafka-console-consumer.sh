#!/bin/sh
# As in the image that this stands in for.
exec java ${KAFKA_HEAP_OPTS:--Xmx256m} -XX:TieredStopAtLevel=1 -cp '/opt/kafka/libs/*' \
  org.apache.kafka.tools.consumer.ConsoleConsumer "$@"

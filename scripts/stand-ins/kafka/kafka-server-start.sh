#!/bin/sh
# As in the image that this stands in for.
exec java ${KAFKA_HEAP_OPTS:--Xmx512m} -cp '/opt/kafka/libs/*' kafka.Kafka "$@"

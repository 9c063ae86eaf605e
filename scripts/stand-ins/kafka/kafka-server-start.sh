#!/bin/sh
# As in the image that this stands in for: its settings of the JVM, and the classes of a start before read from one file.
exec java ${KAFKA_HEAP_OPTS:--Xmx512m} ${KAFKA_JVM_PERFORMANCE_OPTS:--XX:+UseG1GC -XX:MaxGCPauseMillis=20} \
  -XX:SharedArchiveFile=/opt/kafka/kafka.jsa -cp '/opt/kafka/libs/*' kafka.Kafka "$@"

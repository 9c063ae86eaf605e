#!/bin/sh
# As in the image that this stands in for.
exec java -Xmx128m -XX:TieredStopAtLevel=1 -XX:SharedArchiveFile=/opt/kafka/storage.jsa \
  -cp '/opt/kafka/libs/*' kafka.tools.StorageTool "$@"

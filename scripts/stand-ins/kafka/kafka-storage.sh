#!/bin/sh
# As in the image that this stands in for.
exec java -Xmx128m -cp '/opt/kafka/libs/*' kafka.tools.StorageTool "$@"

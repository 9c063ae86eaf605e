#!/bin/sh
# Customers of synthetic worlds, one world after another, at most RATE rows a second. Rows carry no time of their own:
# they happen as they are sent, so windows, sessions and ticks work as with real visitors.
set -eu
# As process 1 a shell would not hear SIGTERM while it waits.
trap 'trap - TERM; kill 0; exit 0' TERM INT
while :; do
  seed=$(date +%s)
  # Ids of events are the same in every world; under their own prefix they are no repeats.
  rescore world --customers "$CUSTOMERS" --days "$DAYS" --seed "$seed" |
    sed -E -e 's/"(timestamp|receivedAt)":"[^"]*",//g' -e "s/\"messageId\":\"/&$seed-/" |
    rescore produce - --rate "$RATE" &
  # A broker that is away comes back.
  wait $! || sleep 5
done

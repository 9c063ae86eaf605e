'use strict';
// Says which Node is needed before npm says something less helpful.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `rescore needs Node 20.19 or newer; this is ${process.versions.node}. Install a newer one and run make again.`,
  );
  process.exit(1);
}

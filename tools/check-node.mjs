// Plain .mjs: an old Node must be able to read this, or it would die at the first .ts with a riddle.
const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  console.error(
    `vedette: Node ${process.versions.node} is too old. Run "npm ci" here: it brings Node 26 along (optional dependencies must not be left out).`,
  );
  process.exit(1);
}

// In the place of an import of node:http in bundled programs: a module's import has Node read each of its exports, of which some load
// all of `fetch` (12 ms of the processor's time at each start). What is required is read when it is used.
module.exports = process.getBuiltinModule('node:http');

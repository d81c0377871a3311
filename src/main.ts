#!/usr/bin/env node
// The entry. It has to be understood by any Node, however old: no static import, and no syntax after that of Node 4, but
// for the import, which the build hides from them.
const NEEDED = [22, 19]
const found = process.versions.node.split('.').map(Number)

if (Number(found[0]) > Number(NEEDED[0]) || (found[0] === NEEDED[0] && Number(found[1]) >= Number(NEEDED[1]))) {
  // Until the program is loaded this one alone would do harm: Node's own answer is a debugger.
  process.on('SIGUSR1', () => undefined)
  void import('./start.ts')
} else {
  process.stderr.write(
    'patroni-router needs Node.js ' +
      NEEDED.join('.') +
      ' or newer, and this is ' +
      process.version +
      ' (' +
      process.execPath +
      ').\nHow Debian and RHEL get one: "A current Node.js" in the README of patroni-router, or https://nodejs.org/en/download\n',
  )
  // As for any use that cannot work: a service need not try again.
  process.exitCode = 2
}

#!/usr/bin/env node
// The entry. It has to be understood by any Node, however old: no static import, and no syntax after that of Node 8.
const NEEDED = [22, 19]
const [major, minor] = process.versions.node.split('.').map(Number)

if (Number(major) > Number(NEEDED[0]) || (major === NEEDED[0] && Number(minor) >= Number(NEEDED[1]))) {
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

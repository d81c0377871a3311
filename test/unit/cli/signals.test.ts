import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ignoredSignals } from '../../../src/cli/signals.ts'

test("no command opens Node's debugger at SIGUSR1", () => {
  for (const args of [[], ['run'], ['check'], ['status'], ['track', 'primary'], ['demo', '--no-ui']]) {
    assert.ok(ignoredSignals(args).includes('SIGUSR1'), args.join(' '))
  }
})

test('long-running commands are ended by the signals that are for that, and by no others', () => {
  for (const args of [
    ['run', '-c', 'f'],
    ['demo'],
    ['status', '-w'],
    ['status', '--json', '--watch=1'],
    ['status', '-w1'],
  ]) {
    const ignored = ignoredSignals(args)
    for (const signal of [
      'SIGUSR2',
      'SIGALRM',
      'SIGVTALRM',
      'SIGPROF',
      'SIGXCPU',
      'SIGIO',
      'SIGPWR',
      'SIGSTKFLT',
    ] as const)
      assert.ok(ignored.includes(signal), `${args.join(' ')}: ${signal}`)
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGSEGV', 'SIGABRT'] as const)
      assert.ok(!ignored.includes(signal), `${args.join(' ')}: ${signal}`)
  }
  assert.ok(ignoredSignals(['run']).includes('SIGHUP'))
  assert.ok(!ignoredSignals(['demo']).includes('SIGHUP'))
})

test('signals of job control stop a terminal program, and no service', () => {
  for (const signal of ['SIGTSTP', 'SIGTTIN', 'SIGTTOU'] as const) {
    assert.ok(ignoredSignals(['run']).includes(signal), signal)
    assert.ok(!ignoredSignals(['demo']).includes(signal), signal)
    assert.ok(!ignoredSignals(['status', '-w']).includes(signal), signal)
  }
})

test('a short command is ended by an alarm', () => {
  assert.deepEqual(ignoredSignals(['check', '-c', 'file']), ['SIGUSR1'])
})

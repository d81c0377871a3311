import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { ClientInput } from '../../../src/admin/client-input.ts'
import { findCommand, parseLine, type Command } from '../../../src/admin/command.ts'

const command = (...words: string[]): Command => ({ words, parameters: '', help: '', run: () => words.join(' ') })

test('takes a line apart as HAProxy does', () => {
  const cases: readonly (readonly [line: string, commands: string[][]])[] = [
    ['show info', [['show', 'info']]],
    ['  show \t info \r', [['show', 'info']]],
    [
      'show info;show stat',
      [
        ['show', 'info'],
        ['show', 'stat'],
      ],
    ],
    ['show info; ;quit', [['show', 'info'], [], ['quit']]],
    ['', [[]]],
    ['show info # and more; quit', [['show', 'info']]],
    ['set server b/s#1', [['set', 'server', 'b/s#1']]],
    ['a\\ b\\;c \\\\ \\#', [['a b;c', '\\', '#']]],
    ['end\\', [['end']]],
  ]
  for (const [line, commands] of cases) assert.deepEqual(parseLine(line), commands, line)
})

test('finds the command with the most words, and the arguments after it', () => {
  const commands = [command('show', 'status'), command('show', 'status', 'json'), command('help')]
  assert.deepEqual(findCommand(commands, ['show', 'status'])?.command.words, ['show', 'status'])
  assert.deepEqual(findCommand(commands, ['show', 'status', 'json'])?.command.words, ['show', 'status', 'json'])
  const found = findCommand(commands, ['show', 'status', 'pg1', 'now'])
  assert.deepEqual([found?.command.words.length, found?.args], [2, ['pg1', 'now']])
})

test('finds nothing for half a command, another case, or none', () => {
  const commands = [command('show', 'status')]
  for (const words of [['show'], ['SHOW', 'status'], ['sho', 'stat'], []])
    assert.equal(findCommand(commands, words), null)
})

test('an empty line during an answer is no command, and ends a line that has begun', async () => {
  const input = new ClientInput(Readable.from(['\n', '\n', 'show info\n']))
  const next = (isLineBegun: boolean): Promise<string | null> => {
    input.watch(() => undefined)
    return input.read(isLineBegun)
  }
  assert.equal(await next(true), '\n')
  assert.equal(await next(false), 'show info\n')
  assert.equal(await next(false), null)
})

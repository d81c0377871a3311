import assert from 'node:assert/strict'
import { test } from 'node:test'
import { run } from './call.ts'

/** What Go gives, where confd has the helper from there. */
const GIVES: readonly (readonly [helper: string, args: readonly unknown[], result: unknown])[] = [
  ['base', ['/deis/service'], 'service'],
  ['base', ['/a/b/'], 'b'],
  ['base', ['/'], '/'],
  ['base', [''], '.'],
  ['dir', ['/services/data/url'], '/services/data'],
  ['dir', ['/a/b/'], '/a/b'],
  ['dir', ['/a'], '/'],
  ['dir', ['a'], '.'],
  ['dir', [''], '.'],
  ['dir', ['/a/../b/c'], '/b'],
  ['split', ['10.0.0.1:80', ':'], ['10.0.0.1', '80']],
  ['split', ['', ','], ['']],
  ['split', ['a,b,', ','], ['a', 'b', '']],
  ['split', ['aé😀', ''], ['a', 'é', '😀']],
  ['split', ['', ''], []],
  ['join', [['a', 'b', 5432], ', '], 'a, b, 5432'],
  ['join', [[], ','], ''],
  ['replace', ['a-b-c', '-', '_', -1], 'a_b_c'],
  ['replace', ['a-b-c', '-', '_'], 'a_b_c'],
  ['replace', ['a-b-c', '-', '_', 1], 'a_b-c'],
  ['replace', ['a-b-c', '-', '_', 0], 'a-b-c'],
  ['replace', ['a-b-c', '-', '', 9], 'abc'],
  ['replace', ['abc', 'x', 'y'], 'abc'],
  ['replace', ['ab', '', '-'], '-a-b-'],
  ['replace', ['ab', '', '-', 2], '-a-b'],
  ['replace', ['$&', '$', '$$'], '$$&'],
  ['toUpper', ['value'], 'VALUE'],
  ['toLower', ['Value'], 'value'],
  ['contains', ['haproxy', 'prox'], true],
  ['contains', ['haproxy', ''], true],
  ['contains', ['haproxy', 'x y'], false],
  ['contains', [['a', 'b'], 'b'], true],
  ['contains', [['ab'], 'b'], false],
  ['trimSuffix', ['pg1.example.com', '.example.com'], 'pg1'],
  ['trimSuffix', ['pg1', '.example.com'], 'pg1'],
  ['trimSuffix', ['aa', 'a'], 'a'],
  ['trimPrefix', ['service-web', 'service-'], 'web'],
  ['concat', ['/web/', 'cust1', '/', 2, '/*'], '/web/cust1/2/*'],
  ['base64Encode', ['Value'], 'VmFsdWU='],
  ['base64Encode', ['é'], 'w6k='],
  ['base64Decode', ['VmFsdWU='], 'Value'],
  ['base64Decode', ['VmFs\r\ndWU='], 'Value'],
  ['base64Decode', [''], ''],
  ['base64Decode', ['gIBh'], '\udc80\udc80a'],
  ['base64Encode', ['\udc80\udc80a'], 'gIBh'],
  ['parseBool', ['T'], true],
  ['parseBool', ['False'], false],
  ['parseBool', ['0'], false],
  ['parseBool', [true], true],
  ['atoi', ['042'], 42],
  ['atoi', ['-7'], -7],
  ['atoi', ['+7'], 7],
  ['atoi', ['-0'], 0],
  ['atoi', [5432], 5432],
  ['hostPort', ['10.0.0.1', 5432], '10.0.0.1:5432'],
  ['hostPort', ['::1', '5432'], '[::1]:5432'],
  ['hostPort', ['db.example.org', 5432], 'db.example.org:5432'],
]
for (const [helper, args, result] of GIVES) {
  test(`${helper} ${args.map((arg) => JSON.stringify(arg)).join(' ')} is ${JSON.stringify(result)}`, () => {
    assert.deepEqual(run(helper, args), result)
  })
}

const REFUSED: readonly (readonly [helper: string, args: readonly unknown[], message: string])[] = [
  ['base64Decode', ['VmFsdWU'], 'the text is not base64'],
  ['base64Decode', ['a=b='], 'the text is not base64'],
  ['parseBool', ['yes'], 'the text is neither true nor false (1, t, true, 0, f, false)'],
  ['atoi', ['10MB'], 'the text is not a whole number'],
  ['atoi', [''], 'the text is not a whole number'],
  ['atoi', ['1.5'], 'the text is not a whole number'],
  ['atoi', ['9007199254740993'], 'the number is not a whole number between -(2^53-1) and 2^53-1'],
  ['toUpper', [null], 'the text is not there'],
  ['toUpper', [['a']], 'the text is a list, not a text'],
  ['join', ['a,b', ','], 'the list is a text, not a list'],
  ['join', [[{}], ','], 'an item of the list is a record, not a text'],
  ['replace', ['a', 'b', 'c', '1'], 'the count is a text, not a number (atoi makes one of it)'],
]
for (const [helper, args, message] of REFUSED) {
  test(`${helper} ${args.map((arg) => JSON.stringify(arg)).join(' ')}: ${message}`, () => {
    assert.throws(() => run(helper, args), { name: 'HelperError', message })
  })
}

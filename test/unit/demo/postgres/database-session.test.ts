import assert from 'node:assert/strict'
import { test } from 'node:test'
import { columnsAsNow } from '../../../../src/demo/postgres/database-session.ts'

test('renames the columns of an older psql to those of today', () => {
  assert.equal(
    columnsAsNow('SELECT d.daticulocale as "ICU Locale"\nFROM pg_catalog.pg_database d'),
    'SELECT d.datlocale as "ICU Locale"\nFROM pg_catalog.pg_database d',
  )
  assert.equal(
    columnsAsNow('SELECT c.colliculocale FROM pg_catalog.pg_collation c, pg_catalog.pg_namespace n'),
    'SELECT c.colllocale FROM pg_catalog.pg_collation c, pg_catalog.pg_namespace n',
  )
})

test('leaves statements of other catalogs as they are', () => {
  for (const sql of ['SELECT d.daticulocale FROM mine d', 'SELECT d.datlocale FROM pg_catalog.pg_database d'])
    assert.equal(columnsAsNow(sql), sql)
})

/**
 * Default places. In a file of their own: a command that needs nothing else of the configuration loads nothing else.
 */

export const DEFAULT_CONFIG_FILE = '/etc/patroni-router/config.yml'

export const DEFAULT_ADMIN_SOCKET = '/run/patroni-router/admin.sock'

/** Where editors find the JSON Schema of the configuration (docs/configuration.schema.json). */
export const SCHEMA_URL =
  'https://raw.githubusercontent.com/patroni-router/patroni-router/main/docs/configuration.schema.json'

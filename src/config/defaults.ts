/**
 * Where things are when nothing else is said. In a file of their own: whoever needs no more of the configuration loads
 * no more.
 */

export const DEFAULT_CONFIG_FILE = '/etc/patroni-router/config.yml'

export const DEFAULT_ADMIN_SOCKET = '/run/patroni-router/admin.sock'

"""Says what Patroni makes of configurations: a list of {path, env} on standard input, one answer each on standard output."""
import json
import logging
import os
import sys
from urllib.parse import urlparse

import patroni.dcs as dcs
from patroni.config import Config
from patroni.dcs import etcd, etcd3
from patroni.request import PatroniRequest
from patroni.utils import uri

logging.disable(logging.CRITICAL)


class Found(Exception):
    """What would be connected to."""


def recorded(config, *_):
    raise Found(config)


def chosen(self, config, *mpp):
    raise Found((type(self).__name__.lower(), config, mpp))


def addresses(config):
    """etcd.py `_get_machines_cache_from_config`, without asking the DNS."""
    if 'proxy' not in config and 'srv' in config:
        return ['srv']
    if 'proxy' not in config and 'hosts' in config:
        found = config['hosts']
    else:
        found = [uri(config.get('protocol') or 'http', (config['host'], config['port']))]
    if not found:
        raise ValueError('no address')
    for each in found:
        url = urlparse(each)
        # What cannot be connected to is as good as an error.
        if url.scheme not in ('http', 'https') or not url.hostname or not url.port or set(url.hostname) & set(' ,/@[') or url.hostname.count(':') == 1:
            raise ValueError('no address')
    return found


def meaning(path, env):
    os.environ.clear()
    os.environ.update(env)
    config = Config(path, None)
    rest = PatroniRequest(config)._pool.connection_pool_kw
    try:
        dcs.get_dcs(config)
        raise ValueError('no DCS')
    except Found as found:
        kind, section, mpp = found.args[0]
    plain = {'name': config['name'] if 'name' in config else None, 'dcs': kind}
    if kind != 'etcd3':
        return plain
    try:
        etcd3.Etcd3.get_etcd_client(None, section, recorded)
    except Found as found:
        client = found.args[0]
    top = dcs.AbstractDCS
    plain_dcs = type('Plain', (top,), {method: None for method in top.__abstractmethods__})
    tree = plain_dcs({**section, 'name': section.get('name', 'x')}, *mpp)
    login = [client.get('username'), client.get('password')]
    cert = client.get('cert') or None
    https = (client.get('protocol') or 'http') == 'https'
    files = [client.get('ca_cert') or None, *(cert if isinstance(cert, tuple) else (cert, None))]
    return {
        **plain,
        'path': tree.client_path(''),
        'addresses': addresses(client),
        'useProxies': bool(client.get('use_proxies')),
        'login': login if all(login) else None,
        'files': files if https else [None, None, None],
        'rest': [rest.get('ca_certs'), rest.get('cert_file'), rest.get('key_file'), rest.get('key_password')],
        'insecure': bool(config.get('ctl', {}).get('insecure', False)),
    }


def answer(case):
    try:
        return meaning(case['path'], case['env'])
    except BaseException as error:
        return {'error': type(error).__name__ + ': ' + str(error)}


for module in (etcd, etcd3):
    getattr(module, module.__name__.split('.')[-1].capitalize()).__init__ = chosen
print(json.dumps([answer(case) for case in json.load(sys.stdin)]))

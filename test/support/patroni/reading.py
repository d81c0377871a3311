"""Says what Patroni makes of configurations: a list of {path, env} on standard input, one answer each on standard output."""
import json
import logging
import os
import ssl
import sys
from urllib.parse import urlparse

import patroni.dcs as dcs
from patroni.config import Config
from patroni.dcs import consul, etcd, etcd3
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
    if 'proxy' not in config and 'srv' in config and not ('hosts' in config or 'host' in config):
        return []
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
    top = dcs.AbstractDCS
    plain_dcs = type('Plain', (top,), {method: None for method in top.__abstractmethods__})
    tree = plain_dcs({**section, 'name': section.get('name', 'x')}, *mpp)
    plain = {
        'name': config['name'] if 'name' in config else None,
        'dcs': kind,
        'path': tree.client_path(''),
        'rest': [rest.get('ca_certs'), rest.get('cert_file'), rest.get('key_file'), rest.get('key_password')],
        'insecure': bool(config.get('ctl', {}).get('insecure', False)),
    }
    if kind == 'consul':
        return {**plain, **agent(section, mpp)}
    try:
        etcd3.Etcd3.get_etcd_client(None, section, recorded)
    except Found as found:
        client = found.args[0]
    login = [client.get('username'), client.get('password')]
    cert = client.get('cert') or None
    https = (client.get('protocol') or 'http') == 'https'
    files = [client.get('ca_cert') or None, *(cert if isinstance(cert, tuple) else (cert, None))]
    return {
        **plain,
        'srv': None if 'proxy' in client or not client.get('srv') else [client['srv'], client.get('srv_suffix') or None],
        'addresses': addresses(client),
        'useProxies': bool(client.get('use_proxies')),
        'login': login if all(login) else None,
        'files': files if https or client.get('srv') else [None, None, None],
    }


def agent(section, mpp):
    """What the client of Consul is made of, without a session."""
    made = object.__new__(consul.Consul)
    connect_consul(made, {'retry_timeout': 10, 'loop_wait': 10, 'name': 'x', **section, 'patronictl': True}, *mpp)
    client = made._client
    kwargs = client.http.http.connection_pool_kw
    url = urlparse(client.http.base_uri)
    if url.scheme.lower() not in ('http', 'https') or not url.hostname or not url.port or set(url.hostname) & set(' ,/@['):
        raise ValueError('no address')
    https = url.scheme.lower() == 'https'
    return {
        'addresses': [uri(url.scheme.lower(), (url.hostname, url.port))],
        'token': client.token or client.http.token or None,
        'verify': kwargs['cert_reqs'] == ssl.CERT_REQUIRED if https else None,
        'files': [kwargs.get(name) if https else None for name in ('ca_certs', 'cert_file', 'key_file')],
        'dc': client.dc,
        'consistency': client.consistency,
    }


def answer(case):
    try:
        return meaning(case['path'], case['env'])
    except BaseException as error:
        return {'error': type(error).__name__ + ': ' + str(error)}


connect_consul = consul.Consul.__init__
for module in (consul, etcd, etcd3):
    getattr(module, module.__name__.split('.')[-1].capitalize()).__init__ = chosen
print(json.dumps([answer(case) for case in json.load(sys.stdin)]))

export const SETTINGS = { ca: 'etcd.cacert', cert: 'etcd.cert', key: 'etcd.key' }

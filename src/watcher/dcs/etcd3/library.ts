/**
 * The only importer of the `etcd3` package and of its parts. Its messages and clients are used; its own pool, resume
 * and retries are not: they skip events, pick hosts at random and hide why.
 */
export {
  type CallOptions,
  ChannelCredentials,
  type ChannelOptions,
  type Client,
  experimental,
  InterceptingCall,
  type Interceptor,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js'
export { noop } from 'cockatiel'
export {
  AuthClient,
  ClusterClient,
  type ICallable,
  type IKeyValue,
  type IRangeResponse,
  type IResponseHeader,
  type IWatchResponse,
  KVClient,
  MaintenanceClient,
  type Services,
  WatchClient,
} from 'etcd3'
export { Host } from 'etcd3/lib/connection-pool.js'

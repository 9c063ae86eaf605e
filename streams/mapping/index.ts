export { MappingError, loadMapping, parseMapping, shippedMappings } from './load';
export { openReader } from './reader';
export type { FileRow, ReaderOptions } from './reader';
export { applyMapping } from './apply';
export type { Mapping } from './schema';

export * from './units';
export * from './topics';
export * from './inputs';
export * from './outputs';

/** Fingerprint of the feature layout: models and vectors fit together only when both say the same one. */
import { createHash } from 'node:crypto';
import { LAYOUT, layoutJson } from '../processors/core';
import type { FeatureLayout } from '../processors/core';

export const sha256Hex = (bytes: Uint8Array | string): string =>
  createHash('sha256').update(bytes).digest('hex');

/** Hex SHA-256 of the layout's canonical JSON. */
export const fingerprintOf = (layout: FeatureLayout): string => sha256Hex(layoutJson(layout));

/** Of the layout that this program writes vectors in. */
export const LAYOUT_FINGERPRINT = fingerprintOf(LAYOUT);

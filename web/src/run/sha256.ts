// The digest of files: fetched with the first one that is checked.

export { sha256 } from '@noble/hashes/sha2.js';
export { bytesToHex } from '@noble/hashes/utils.js';

/** `x-request-id`: a random UUID, version 4. The runtime draws its random bytes for 128 of them at a time. */
import { randomUUID } from 'node:crypto';

export type RequestIds = () => string;

export const randomRequestIds: RequestIds = () => randomUUID();

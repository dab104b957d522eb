import { readFileSync, statSync } from 'node:fs';
import { fileFailure } from '../domain/system-failure.ts';

/** It stands in every page, so it is small; logos are. */
const LARGEST_LOGO = 64 * 1024;

export type LogoReading =
  | { readonly dataUrl: string; readonly why: null }
  | { readonly dataUrl: null; readonly why: string };

/**
 * Reads an image as a `data:` URL for an `<img>`. There scripts of an SVG never run and nothing is loaded from elsewhere
 * (SVG 2, section "secure static mode"), and no address of ours serves it as a document. The type is what the content says.
 */
export function readLogo(path: string): LogoReading {
  let content: Buffer;
  try {
    const facts = statSync(path);
    if (!facts.isFile()) return { dataUrl: null, why: 'it is no file' };
    if (facts.size > LARGEST_LOGO) return { dataUrl: null, why: 'it is larger than 64 KiB' };
    content = readFileSync(path);
  } catch (error) {
    return { dataUrl: null, why: fileFailure(error) };
  }
  const type = imageType(content);
  if (type === null) return { dataUrl: null, why: 'it is no SVG, PNG, JPEG, WebP or GIF image' };
  return { dataUrl: `data:${type};base64,${content.toString('base64')}`, why: null };
}

function imageType(content: Buffer): string | null {
  const starts = content.subarray(0, 12).toString('latin1');
  if (starts.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png';
  if (starts.startsWith('\xff\xd8\xff')) return 'image/jpeg';
  if (starts.startsWith('GIF87a') || starts.startsWith('GIF89a')) return 'image/gif';
  if (/^RIFF[\s\S]{4}WEBP$/.test(starts)) return 'image/webp';
  // Declaration, comments and document type may stand before the root element.
  const text = content.toString('utf8').replace(/^\ufeff|<\?[\s\S]*?\?>|<!--[\s\S]*?-->/g, '');
  return /^\s*(?:<!DOCTYPE[^>[]*>\s*)?<svg[\s>]/.test(text) ? 'image/svg+xml' : null;
}

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NIL, openStand, type Stand } from './stand.ts';

let stand: Stand;
beforeAll(async () => {
  stand = await openStand({ attempts: 10_000 });
});
afterAll(() => stand.close());

const POSTS = ['authenticate', 'refresh', 'validate', 'register_key', 'is_key_registered'];
const MISSING = '["Missing data for required field."]';
const UNKNOWN = '["Unknown field."]';
const NULL = '["Field may not be null."]';
const NO_STRING = '["Not a valid string."]';
const NO_UUID = '["Not a valid UUID."]';

describe.each(POSTS)('the body of %s', (call) => {
  it.each(['', '{', '{"key"', "{'key': 1}", 'undefined', '\ufeff{}', '[1,]', '{"key":"\u0001"}'])(
    'that is no JSON: %j',
    async (body) => {
      expect(await stand.post(call, body)).toMatchObject({ status: 400, text: '{}' });
    },
  );

  it('that is no text', async () => {
    const body = Buffer.from('{"key":"\xff","identifier":"x"}', 'latin1');
    expect(await stand.request(`/${call}`, { method: 'POST', body })).toMatchObject({ status: 400, text: '{}' });
  });

  it.each(['"{"', '[]', 'null', '1', 'true', '[{}]', '""'])('that is no object: %s', async (body) => {
    const text = '{"_schema": ["Invalid input type."]}';
    expect(await stand.post(call, body)).toMatchObject({ status: 400, text });
  });

  it('of more than 1 MiB', async () => {
    const filled = (length: number) => `{"key": "${'x'.repeat(length - 11)}"}`;
    const most = filled(1_048_576);
    expect((await stand.post(call, most)).status).not.toBe(413);
    expect((await stand.post(call, `${most} `)).status).toBe(413);
    // Chunked, without a length that is told.
    const body = new ReadableStream({
      start(controller) {
        for (let at = 0; at < 17; at += 1) controller.enqueue(Buffer.alloc(65_536, 0x20));
        controller.close();
      },
    });
    const answer = await stand.request(`/${call}`, { method: 'POST', body, duplex: 'half' } as RequestInit);
    expect(answer.status).toBe(413);
  });

  it('may have any content type', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=utf-8', '']) {
      const init = { method: 'POST', body: '{}', headers: { 'content-type': type } };
      expect((await stand.request(`/${call}`, init)).text).toContain(MISSING);
    }
  });
});

describe('problems of fields, all at once', () => {
  it.each([
    ['authenticate', '{}', `{"key": ${MISSING}, "identifier": ${MISSING}}`],
    ['register_key', '{}', `{"key": ${MISSING}, "identifier": ${MISSING}}`],
    ['is_key_registered', '{}', `{"key": ${MISSING}}`],
    ['refresh', '{}', `{"refresh_token": ${MISSING}, "identifier": ${MISSING}}`],
    ['validate', '{}', `{"jwt": ${MISSING}}`],
    [
      'authenticate',
      '{"b":1,"a":{}}',
      `{"key": ${MISSING}, "identifier": ${MISSING}, "b": ${UNKNOWN}, "a": ${UNKNOWN}}`,
    ],
    [
      'authenticate',
      '{"extra":null,"identifier":"x","key":1}',
      `{"key": ${NO_STRING}, "identifier": ${NO_UUID}, "extra": ${UNKNOWN}}`,
    ],
    ['authenticate', '{"identifier":null,"key":null}', `{"key": ${NULL}, "identifier": ${NULL}}`],
    ['authenticate', '{"key":[],"identifier":[]}', `{"key": ${NO_STRING}, "identifier": ${NO_UUID}}`],
    ['authenticate', '{"key":true,"identifier":0}', `{"key": ${NO_STRING}, "identifier": ${NO_UUID}}`],
    ['authenticate', `{"key":{"key":"x"},"identifier":"${NIL}"}`, `{"key": ${NO_STRING}}`],
    ['refresh', '{"refresh_token":1.5,"identifier":""}', `{"refresh_token": ${NO_STRING}, "identifier": ${NO_UUID}}`],
    ['validate', '{"jwt":null}', `{"jwt": ${NULL}}`],
    ['validate', '{"jwt":"x","extra":"x"}', `{"extra": ${UNKNOWN}}`],
    ['is_key_registered', `{"key":"x","identifier":"${NIL}"}`, `{"identifier": ${UNKNOWN}}`],
    // Half a surrogate pair, which has no UTF-8.
    ['is_key_registered', '{"key":"\\ud800"}', `{"key": ${NO_STRING}}`],
    // What a client names is echoed, and nothing of it is special here.
    ['is_key_registered', '{"key":"x","é\\"\\u007f😀":1}', `{"\\u00e9\\"\\u007f\\ud83d\\ude00": ${UNKNOWN}}`],
    ['is_key_registered', '{"key":"x","\\ud800":1}', `{"\\ud800": ${UNKNOWN}}`],
    [
      'is_key_registered',
      '{"key":"x","__proto__":{"polluted":1},"constructor":1}',
      `{"__proto__": ${UNKNOWN}, "constructor": ${UNKNOWN}}`,
    ],
    ['is_key_registered', '{"toString":1}', `{"key": ${MISSING}, "toString": ${UNKNOWN}}`],
  ])('%s %s', async (call, body, text) => {
    const answer = await stand.post(call, body);
    expect(answer).toMatchObject({ status: 400, text });
    expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(answer.headers.get('content-length')).toBe(String(Buffer.byteLength(text)));
  });

  it.each(['authenticate', 'register_key', 'is_key_registered'])('%s refuses an empty key', async (call) => {
    const identifier = call === 'is_key_registered' ? {} : { identifier: NIL };
    const text = '{"key": ["Shorter than minimum length 1."]}';
    expect(await stand.post(call, { key: '', ...identifier })).toMatchObject({ status: 400, text });
  });

  it('of ninety thousand fields are told in part', async () => {
    const fields = Array.from({ length: 90_000 }, (_, at) => `"${at}":1`).join(',');
    const { status, text } = await stand.post('validate', `{"jwt":"x",${fields}}`);
    expect(status).toBe(400);
    expect(Object.keys(JSON.parse(text))).toHaveLength(1_000);
  });

  it('of lists in lists without end are told like any other', async () => {
    const deep = '['.repeat(500_000) + ']'.repeat(500_000);
    const answer = await stand.post('is_key_registered', `{"key":${deep}}`);
    expect(answer).toMatchObject({ status: 400, text: `{"key": ${NO_STRING}}` });
  });

  it('of a name that is there twice the last value counts', async () => {
    expect((await stand.post('is_key_registered', '{"key":1,"key":"x"}')).status).toBe(200);
    expect((await stand.post('is_key_registered', '{"key":"x","key":1}')).status).toBe(400);
  });
});

// fhir-kit-client, as it comes, against a node over HTTP.
//
//     FHIR_KIT=dist/index.js NODE_URL=http://... node --test fhir_kit.test.mjs
//
// FHIR_KIT is where the client is installed, NODE_URL the FHIR address of the node.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

const { Client } = await import(pathToFileURL(process.env.FHIR_KIT));
const client = new Client({ baseUrl: process.env.NODE_URL });

const marked = () => `K${randomUUID().replaceAll('-', '').slice(0, 12)}`;
const person = (mark, given = 'Hoa') => ({
  resourceType: 'Patient',
  identifier: [{ system: 'urn:trucyte:fhir-kit', value: `${mark}-${given}` }],
  name: [{ family: mark, given: [given] }],
});
const create = (body, options) =>
  client.create({ resourceType: body.resourceType, body, options });
const observe = (patient, text) =>
  create({
    resourceType: 'Observation',
    status: 'final',
    code: { text },
    subject: { reference: `Patient/${patient.id}` },
  });
const ids = (bundle) => (bundle.entry ?? []).map((entry) => entry.resource?.id);
const status = (expected) => (refused) => refused.response?.status === expected;

test('the statement says what the node can do', async () => {
  const statement = await client.capabilityStatement();
  assert.equal(statement.fhirVersion, '4.0.1');
  assert.ok(statement.rest[0].resource.some((one) => one.type === 'Patient'));
});

test('a resource is created, read, changed, read in both versions and deleted', async () => {
  const made = await create(person(marked()));
  const known = { resourceType: 'Patient', id: made.id };
  assert.deepEqual(await client.read(known), made);
  const changed = await client.update({ ...known, body: { ...made, gender: 'female' } });
  assert.equal(changed.meta.versionId, '2');
  assert.deepEqual(await client.vread({ ...known, version: '1' }), made);
  await client.delete(known);
  await assert.rejects(client.read(known), status(410));
  const history = await client.history(known);
  assert.equal(history.entry.length, 3);
  assert.equal(history.entry[0].request.method, 'DELETE');
  assert.deepEqual(history.entry[2].resource, made);
});

test('a stale change is refused', async () => {
  const made = await create(person(marked()));
  const change = { resourceType: 'Patient', id: made.id, body: { ...made, active: true } };
  const options = { headers: { 'If-Match': 'W/"1"' } };
  await client.update({ ...change, options });
  await assert.rejects(
    client.update({ ...change, body: { ...made, active: false }, options }),
    status(412),
  );
});

test('a JSON Patch changes what it names', async () => {
  const made = await create(person(marked()));
  const patched = await client.patch({
    resourceType: 'Patient',
    id: made.id,
    jsonPatch: [
      { op: 'test', path: '/name/0/given/0', value: 'Hoa' },
      { op: 'add', path: '/active', value: true },
    ],
  });
  assert.equal(patched.active, true);
  assert.equal(patched.meta.versionId, '2');
});

test('conditional create and update find the one that is there', async () => {
  const mark = marked();
  const identifier = `urn:trucyte:fhir-kit|${mark}-Hoa`;
  const options = { headers: { 'If-None-Exist': `identifier=${identifier}` } };
  const made = await create(person(mark), options);
  const again = await create(person(mark), options);
  assert.equal(again.id, made.id);
  const changed = await client.update({
    resourceType: 'Patient',
    searchParams: { identifier },
    body: { ...person(mark), active: true },
  });
  assert.equal(changed.id, made.id);
  assert.equal(changed.active, true);
});

test('pages lead on to the end, each found once', async () => {
  const mark = marked();
  const made = await Promise.all(
    [1, 2, 3, 4, 5].map((number) => create(person(mark, `G${number}`))),
  );
  const found = [];
  let bundle = await client.search({
    resourceType: 'Patient',
    searchParams: { family: mark, _count: 2 },
  });
  while (bundle) {
    found.push(...ids(bundle));
    bundle = await client.nextPage({ bundle });
  }
  assert.deepEqual(found.sort(), made.map((one) => one.id).sort());
});

test('a search by POST finds what a search by GET finds', async () => {
  const mark = marked();
  const made = await create(person(mark));
  const bundle = await client.search({
    resourceType: 'Patient',
    searchParams: { family: mark },
    options: { postSearch: true },
  });
  assert.deepEqual(ids(bundle), [made.id]);
});

test('a compartment holds what belongs to the patient', async () => {
  const patient = await create(person(marked()));
  const seen = await observe(patient, 'in the compartment');
  const bundle = await client.search({
    resourceType: 'Observation',
    compartment: { resourceType: 'Patient', id: patient.id },
  });
  assert.deepEqual(ids(bundle), [seen.id]);
});

test('references are resolved, plain and contained', async () => {
  const patient = await create(person(marked()));
  const seen = await observe(patient, 'resolved');
  const found = await client.resolve({ reference: seen.subject.reference });
  assert.equal(found.id, patient.id);
  const context = { ...seen, contained: [{ resourceType: 'Device', id: 'd' }] };
  const inside = await client.resolve({ reference: '#d', context });
  assert.equal(inside.resourceType, 'Device');
});

test('a transaction and a batch are answered entry by entry', async () => {
  const mark = marked();
  const link = `urn:uuid:${randomUUID()}`;
  const observation = {
    resourceType: 'Observation',
    status: 'final',
    code: { text: mark },
    subject: { reference: link },
  };
  const done = await client.transaction({
    body: {
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [
        {
          fullUrl: link,
          resource: person(mark),
          request: { method: 'POST', url: 'Patient' },
        },
        { resource: observation, request: { method: 'POST', url: 'Observation' } },
      ],
    },
  });
  assert.ok(done.entry.every((entry) => entry.response.status.startsWith('201')));
  const batch = await client.batch({
    body: {
      resourceType: 'Bundle',
      type: 'batch',
      entry: [
        { request: { method: 'GET', url: `Observation?subject:Patient.family=${mark}` } },
        { request: { method: 'GET', url: 'Patient/nobody-of-this-id' } },
      ],
    },
  });
  assert.equal(batch.entry[0].resource.entry.length, 1);
  assert.ok(batch.entry[1].response.status.startsWith('404'));
});

test('history of a type and of the system is read', async () => {
  const made = await create(person(marked()));
  const ofType = await client.typeHistory({ resourceType: 'Patient' });
  assert.equal(ofType.type, 'history');
  assert.ok(ids(ofType).includes(made.id));
  const ofAll = await client.systemHistory();
  assert.equal(ofAll.type, 'history');
});

test('a refusal comes with an outcome', async () => {
  await assert.rejects(create({ resourceType: 'Patient', gender: 'unheard-of' }), (refused) => {
    assert.equal(refused.response.data.resourceType, 'OperationOutcome');
    return refused.response.status === 422;
  });
});

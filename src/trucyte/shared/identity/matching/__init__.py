"""Who is the same person: what is compared, how it is weighed, and what is decided.

Pure: no input or output but the packaged model file. What others call:

    from trucyte.shared.identity.matching.person import (
        Person, person_of_patient, person_of_row)
    from trucyte.shared.identity.matching.blocking import BLOCKS, blocking_keys
    from trucyte.shared.identity.matching.levels import COMPARISONS, compare
    from trucyte.shared.identity.matching.model import Model, load_model
    from trucyte.shared.identity.matching.deciding import decide, resembles
    from trucyte.shared.identity.matching.weighing import Scale
    from trucyte.shared.identity.matching.explaining import explain, told, words_of

- `Person`: a frozen msgspec struct of short strings, "" where not known, already in normal
  form; `msgspec.msgpack.encode(person)` packs it (an array, in the order of the fields).
  `person_of_patient(resource) -> Person`, `person_of_row(row, columns) -> Person`; neither
  raises on any text.
- `blocking_keys(person) -> tuple[str, ...]`: at most one key a block of `BLOCKS`, each
  beginning with the name of its block and "="; two records that share a key are a candidate
  pair. A key borne by very many records says nothing: the caller bounds it.
- `compare(a, b) -> Levels` (a mapping of comparison name -> level name, "missing" where
  either side has nothing to compare).
- `load_model() -> Model`, the packaged one; `Model.weigh(a, b) -> Evidence(weight_bits,
  probability, parts)`, each part a `Part(comparison, level, bits)`.
- `decide(a, b, evidence, model) -> Decision(verdict, rules, evidence)`: verdict is "sure",
  "unsure" or "different"; rules are the names of the rules that decided, () where the
  weight alone did.
- `Model.weigh(a, b, prior=…)` takes the prior of the place: about 1 / (number of persons).
- `Scale(model).of(a).weigh(b) -> Evidence | None`: the same weight for many against one, None
  as soon as a pair can no longer be likely; `resembles(decision, model)` says what is shown.
- `explain(decision, language) -> tuple[str, ...]`: sentences a clerk reads, "vi" or "en";
  no personal text in them, so they may be stored and sent.
"""

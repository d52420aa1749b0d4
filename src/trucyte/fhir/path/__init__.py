"""FHIRPath 2.0 for R4: an expression is read once and becomes closures.

`Paths` compiles, a `Path` evaluates. Pure: references and codes are asked of the
`Resolver` and the `Terminology` of an `Environment`.
"""

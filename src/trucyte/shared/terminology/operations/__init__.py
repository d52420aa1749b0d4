"""R4's terminology operations from Parameters to Parameters, without HTTP."""

"""Read lists that an operator has: Excel, delimited text, LOINC, SNOMED CT.

Every loader turns a file into concepts, row by row, within limits on size; a row that
cannot be taken is named by number and reason, and then nothing of the file is taken.
"""

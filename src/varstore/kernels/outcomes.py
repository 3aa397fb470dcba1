"""What ended a scan of VCF text."""

# From BAD_COLUMNS on it is the input's fault.
(DONE, NEED_ROOM, NEED_PLOIDY, BAD_COLUMNS, BAD_POSITION, BAD_CALL, BAD_ALLELE, BLANK_LINE, BAD_TEXT) = range(9)
# Of the FORMAT fields.
NEED_FIELD, BAD_KEYS, BAD_SUBFIELDS = 9, 10, 11
# The calls beside a line have to become text.
NEED_TEXT = 12

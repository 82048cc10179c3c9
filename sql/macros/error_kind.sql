-- The text of an error without what differs from message to message: sender, recipient, and numbers of five digits or more.
CREATE MACRO error_kind(error_message, source_number, destination_number) AS
trim(regexp_replace(
    replace(
        replace(
            ' ' || error_message || ' ',
            ' ' || coalesce(nullif(destination_number, ''), '#') || ' ', ' # '
        ),
        ' ' || coalesce(nullif(source_number, ''), '#') || ' ', ' # '
    ),
    '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|\+?[0-9]([-.()]{0,2}[0-9]){4,}', '#', 'g'
));

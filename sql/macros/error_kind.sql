-- The text of an error without what differs from message to message: sender, recipient, and numbers of five digits or more.
-- Example: SELECT error_kind('Error send sms to 447400123456 from My Shop Code = 1', 'My Shop', '447400123456')
-- Answer: Error send sms to # from # Code = 1
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

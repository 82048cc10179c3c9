"""The histories of accounts as a Dagster asset: a partition an account, each exported by a run of its own.

`VOXIMPLANT_CREDENTIALS` names the vendor's file; `VOXLAKE_ACCOUNTS` the accounts, numbers of children of it, separated
by commas; `VOXLAKE_DATA_DIR` the data directory, a folder that all runs see, or a bucket such as s3://bucket/sms.
Runs of different accounts may work in a folder at the same time; in a bucket one after the other, so that a run that
finds another there ends with 75 and is tried again.
"""

import os

import dagster as dg

import voxlake

TRY_AGAIN = 75

ACCOUNTS = dg.StaticPartitionsDefinition(os.environ["VOXLAKE_ACCOUNTS"].split(","))


@dg.asset(partitions_def=ACCOUNTS, retry_policy=dg.RetryPolicy(max_retries=3, delay=600))
def sms_history(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Export one account."""
    account = voxlake.connect(
        os.environ["VOXIMPLANT_CREDENTIALS"],
        api_url=os.environ.get("VOXIMPLANT_API_URL"),
        child=int(context.partition_key),
    )
    result = voxlake.export(account, os.environ["VOXLAKE_DATA_DIR"])
    if result.exit_code:
        raise dg.Failure(str(result), allow_retries=result.exit_code == TRY_AGAIN)
    rows = sum(stream.rows for stream in result.streams)
    return dg.MaterializeResult(metadata={"rows": rows, "requests": result.requests})


defs = dg.Definitions(assets=[sms_history])

"""The histories of accounts as an Airflow DAG: one dynamically mapped task an account.

`VOXIMPLANT_CREDENTIALS` names the vendor's file; `VOXLAKE_ACCOUNTS` the accounts, numbers of children of it, separated
by commas; `VOXLAKE_DATA_DIR` the data directory, a folder that all workers see, or a bucket such as s3://bucket/sms.
Tasks of different accounts may work in a folder at the same time; in a bucket one after the other: there set
`max_active_tis_per_dag=1`, or let the one that finds another there be tried again.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta

from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowFailException


@dag(schedule="15 3 * * *", start_date=datetime(2026, 1, 1), catchup=False)  # noqa: DTZ001 - Airflow takes it as UTC
def sms_history() -> None:
    """Export every account, side by side."""

    @task
    def accounts() -> list[int]:
        return [int(number) for number in os.environ["VOXLAKE_ACCOUNTS"].split(",")]

    @task(retries=3, retry_delay=timedelta(minutes=10))
    def export(number: int) -> int:
        """Export an account, and return how many messages its days have; what is 75 is tried again."""
        import voxlake  # noqa: PLC0415 - the scheduler reads this file often

        account = voxlake.connect(
            os.environ["VOXIMPLANT_CREDENTIALS"], api_url=os.environ.get("VOXIMPLANT_API_URL"), child=number
        )
        result = voxlake.export(account, os.environ["VOXLAKE_DATA_DIR"])
        if result.exit_code == 75:  # noqa: PLR2004 - the code that means: try again
            raise RuntimeError(str(result))
        if result.exit_code:
            raise AirflowFailException(str(result))
        return sum(stream.rows for stream in result.streams)

    export.expand(number=accounts())


sms_history()

"""How a fleet of tenant databases is migrated: who the tenants are, how many at once, when to stop."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class FleetSettings(BaseModel):
    """`[fleet]`: many tenants at once, for `migrate fleet`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tenants: str | None = Field(
        default=None,
        description="the tenants: a CSV (tenant,url[,token_env]), a folder of files, or turso:ORG[/GROUP]",
    )
    api_url: str = Field(
        default="https://api.turso.tech", description="base URL of the Platform API that lists the databases"
    )
    api_token_env: str = Field(
        default="TURSO_API_TOKEN", min_length=1, description="environment variable with that API's token"
    )
    publish: Literal["each", "together"] = Field(
        default="each",
        description="when rows go live: each tenant's as soon as they are checked, or all in the end",
    )
    workers: int = Field(default=2, ge=0, le=1000, description="worker processes; 0: this process alone")
    scheduler: str | None = Field(
        default=None, description="address of a Dask scheduler, tcp://…; none: workers on this machine"
    )
    canary: int = Field(
        default=0, ge=0, description="so many tenants first, alone: one that fails stops the run"
    )
    max_quarantined: float = Field(
        default=0.01, ge=0, le=1, description="stop if a larger share of the tenants is quarantined"
    )
    attempts: int = Field(
        default=3, ge=1, le=100, description="attempts for a tenant whose source or target does not answer"
    )
    requests_per_second: float | None = Field(
        default=None, gt=0, description="requests to one source host, of all workers; none: no limit"
    )
    max_rows_read: int | None = Field(
        default=None, ge=1, description="stop after so many billed rows of all tenants; none: no limit"
    )

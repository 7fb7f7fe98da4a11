"""What differs between machines, read once from the environment (prefix ``FAULTLINE_``)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Every setting: name, default, one sentence. Ports and peers come from the topology, not from here."""

    model_config = SettingsConfigDict(env_prefix="FAULTLINE_", extra="ignore", frozen=True)

    environment: str = Field("local", description="deployment.environment.name on every signal.")
    version: str = Field("0.1.0", description="service.version on every signal, and build_info's version.")
    instance: str = Field("", description="service.instance.id; empty: host name and port.")
    bind_host: str = Field("127.0.0.1", description="Address the service, metrics and control ports listen on.")
    port_offset: int = Field(0, ge=0, le=50_000, description="Added to every port: two stacks side by side.")
    peer_host: str = Field(
        "127.0.0.1", description="Host of the other services; {service} stands for the name (compose, Kubernetes)."
    )
    redis_host: str = Field("127.0.0.1", description="Host of Redis; its port comes from the topology.")
    secrets_dir: Path = Field(
        Path(".run/secrets"), description="Folder of secret files: api_keys.json, redis_USER, control_token."
    )
    models_dir: Path = Field(Path("models"), description="Folder of trained heads and their reference statistics.")
    telemetry: bool = Field(True, description="Off: nothing goes out by OTLP; stdout and /metrics stay.")
    otlp_endpoint: str = Field("http://127.0.0.1:4318", description="OTLP/HTTP endpoint, without a path.")
    export_interval_s: float = Field(2.0, gt=0, le=60, description="Seconds between two exports.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Least severe level that is logged."
    )
    info_logs: float = Field(
        1.0, ge=0, le=1, description="Share of traces whose INFO lines are logged; those of unrecorded traces go first."
    )
    memory_limit_mb: int = Field(
        0, ge=0, description="Resident memory at which the process ends itself with 137; 0: no limit."
    )
    time_scale: float = Field(
        1.0, ge=1, le=100_000, description="Marketplace seconds that pass in a second: label windows shrink with it."
    )
    control: bool = Field(False, description="On: the control port is open (knobs), behind the bearer token.")

    def peer_url(self, service: str, port: int) -> str:
        """Base URL of another service; ``port`` is the topology's, before the offset. Host names have no underscore."""
        return f"http://{self.peer_host.format(service=service.replace('_', '-'))}:{port + self.port_offset}"

    def secret(self, name: str) -> str:
        """One secret file's text. Raises FileNotFoundError, naming the file, where it is absent."""
        return (self.secrets_dir / name).read_text().strip()

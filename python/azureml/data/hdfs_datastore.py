"""Datastores in HDFS: descriptions; data elsewhere comes with a later release."""

from __future__ import annotations

from typing import Any, Optional

from azureml.data.abstract_datastore import AbstractDatastore
from azureml.data.constants import HDFS


class HDFSDatastore(AbstractDatastore):
    """A Hadoop file system."""

    def __init__(
        self,
        workspace: Any,
        name: str,
        protocol: str,
        namenode_address: str,
        hdfs_server_certificate_data: Optional[str],
        kerberos_realm: str,
        kerberos_kdc_address: str,
        kerberos_principal: str,
        credential_value: Optional[str],
        credential_type: Optional[str],
    ) -> None:
        super().__init__(workspace, name, HDFS)
        self.protocol = protocol
        self.namenode_address = namenode_address
        self.hdfs_server_certificate_data = hdfs_server_certificate_data
        self.kerberos_realm = kerberos_realm
        self.kerberos_kdc_address = kerberos_kdc_address
        self.kerberos_principal = kerberos_principal
        self.credential_value = credential_value
        self.credential_type = credential_type

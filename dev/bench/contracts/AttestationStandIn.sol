// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Stands in for the Ethereum Attestation Service: the storage writes and events of its `attest` and `multiTimestamp`
/// (EAS 1.3, struct Attestation), without schemas, resolvers and delegation. The real one costs somewhat more.
contract AttestationStandIn {
    struct Attestation {
        bytes32 uid;
        bytes32 schema;
        uint64 time;
        uint64 expirationTime;
        uint64 revocationTime;
        bytes32 refUID;
        address recipient;
        address attester;
        bool revocable;
        bytes data;
    }

    event Attested(address indexed recipient, address indexed attester, bytes32 uid, bytes32 indexed schema);
    event Timestamped(bytes32 indexed data, uint64 indexed timestamp);

    mapping(bytes32 uid => Attestation) private _attestations;
    mapping(bytes32 data => uint64 timestamp) private _timestamps;

    /// @notice One attestation for each digest, its data being that digest.
    function multiAttest(bytes32 schema, bytes32[] calldata digests) external {
        for (uint256 i; i < digests.length; ++i) {
            bytes memory data = abi.encode(digests[i]);
            bytes32 uid = keccak256(abi.encodePacked(schema, address(0), msg.sender, uint64(block.timestamp), data, i));
            _attestations[uid] = Attestation({
                uid: uid,
                schema: schema,
                time: uint64(block.timestamp),
                expirationTime: 0,
                revocationTime: 0,
                refUID: bytes32(0),
                recipient: address(0),
                attester: msg.sender,
                revocable: false,
                data: data
            });
            emit Attested(address(0), msg.sender, uid, schema);
        }
    }

    function multiTimestamp(bytes32[] calldata digests) external {
        uint64 time = uint64(block.timestamp);
        for (uint256 i; i < digests.length; ++i) {
            require(_timestamps[digests[i]] == 0);
            _timestamps[digests[i]] = time;
            emit Timestamped(digests[i], time);
        }
    }
}

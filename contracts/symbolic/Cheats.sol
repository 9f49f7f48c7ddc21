// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The part of forge's cheatcodes that these statements use
/// @dev Not that of `test/`: whatever imports a file there is compiled without the IR, and the contracts need it.
interface Cheats {
    function assume(bool condition) external pure;
    function deal(address account, uint256 balance) external;
    function prank(address sender) external;
    function warp(uint256 timestamp) external;
}

/// @dev The address at which forge and halmos answer.
Cheats constant vm = Cheats(address(uint160(uint256(keccak256("hevm cheat code")))));

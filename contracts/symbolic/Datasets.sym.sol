// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import { DISSC } from "../src/DISSC.sol";
import { DatasetId } from "../src/identity/DatasetId.sol";
import { IDISSC } from "../src/interfaces/IDISSC.sol";
import { vm } from "./Cheats.sol";

/// @title Which charter counts, for all owners, devices and serials
/// @dev Checked by halmos (analysis.md). forge does not run these.
contract DatasetsSymbolic {
    DISSC private dissc;

    function setUp() public {
        dissc = new DISSC();
        vm.warp(1_800_000_000);
    }

    /// @dev Of two charters by the owner the one with the higher serial counts, in whatever order they come.
    function check_TheHigherSerialCounts(address owner, address one, address two, uint32 a, uint32 b) public {
        vm.assume(owner != address(0) && one != address(0) && two != address(0) && a != b);
        vm.assume(a != 0 && b != 0 && a <= 1_800_000_000 && b <= 1_800_000_000);
        _charter(owner, one, a);
        _charter(owner, two, b);
        (address device, uint32 serial) = dissc.device(DatasetId.compute(address(dissc), owner, "x", 0));
        assert(device == (a > b ? one : two) && serial == (a > b ? a : b));
    }

    function _charter(address owner, address device, uint32 serial) private {
        IDISSC.Charter[] memory charters = new IDISSC.Charter[](1);
        charters[0] = IDISSC.Charter(owner, "x", 0, device, address(0), serial, 0, "");
        vm.prank(owner);
        dissc.record(charters, new IDISSC.Update[](0));
    }
}

using GemmaScope.Circuits;
using GemmaScope.Workbench;

namespace GemmaScope.Cli.Output;

/// <summary>Proposed supernodes for people at a terminal.</summary>
internal static class SupernodeText
{
    public static void Write(Terminal terminal, CircuitSupernodesResult result)
    {
        var validated = result.Groups.Count(group => group.IsValidated);
        Properties.Write(
            terminal,
            ("model", result.Model),
            ("prompt", Format.Quoted(string.Concat(result.Tokens))),
            ("texts", $"{result.Texts}: {result.TextTokens} tokens"),
            ("features", $"{result.Features}{(result.Unseen > 0 ? $"; {result.Unseen} fire too rarely in the texts to be grouped" : "")}"),
            ("groups", $"{result.Groups.Count} proposed, {validated} validated")
        );
        if (result.Groups.Count == 0)
            return;
        terminal.Out.WriteLine();
        var table = new DataTable(
            "group",
            "features",
            "at",
            new Column("fire alike", true),
            new Column("edges alike", true),
            new Column("stand in", true),
            new Column("random", true),
            new Column("joint", true),
            "validated"
        );
        foreach (var one in result.Groups)
            table.Add(
                one.Name,
                string.Join(' ', one.Members.Select(member => $"{member.Layer}/{member.Feature}").Distinct()),
                string.Join(
                    ", ",
                    one.Members.DistinctBy(member => member.Position).Select(member => $"{member.Position} {Format.Quoted(member.Token)}")
                ),
                $"{one.CoFiring:0.00}",
                $"{one.EdgeSimilarity:0.00}",
                $"{one.StandIn:0.00}",
                one.ControlMean is { } mean ? $"{mean:0.00}, best {one.ControlMost:0.00} of {one.Controls}" : "none to compare",
                $"{one.Joint:0.00}",
                one.IsValidated ? "yes" : "no"
            );
        table.Write(terminal);
        terminal.Out.WriteLine();
        terminal.Out.WriteLine(
            "stand in: the part of the effect of losing a member that the others make good when they are scaled up; random: the same of random "
                + "features of the same layers"
        );
        terminal.Out.WriteLine("joint: the effect of turning all off as a part of the sum of the effects of each alone");
    }
}

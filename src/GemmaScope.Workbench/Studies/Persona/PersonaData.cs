using GemmaScope.Files;

namespace GemmaScope.Workbench;

/// <summary>A role that a model is asked to play, or one of the ways in which it is asked to be itself.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Instruction">The instruction; null for none.</param>
/// <param name="IsDefault">Whether the model is itself.</param>
internal sealed record PersonaRole(string Name, string? Instruction, bool IsDefault)
{
    /// <summary>Reads roles: JSON lines or a list with <c>name</c>, <c>instruction</c>, and <c>default</c> where the model is itself. Where no
    /// row is such, it is asked without an instruction.</summary>
    /// <param name="file">The file; null for the roles that come along.</param>
    public static IReadOnlyList<PersonaRole> Read(string? file)
    {
        var rows =
            file is null ? StudyData.Rows("roles.jsonl")
            : TextFile.KindOf(file) == ".json" ? JsonFile.ReadList(file)
            : [.. JsonLines.Read(file)];
        List<PersonaRole> roles = [.. rows.Select(Of)];
        if (roles.GroupBy(role => role.Name).FirstOrDefault(same => same.Count() > 1) is { } twice)
            throw new FileFormatException($"has the role '{twice.Key}' twice", file);
        if (!roles.Exists(role => role.IsDefault))
            roles.Insert(0, new("default", null, true));
        return roles.Count(role => !role.IsDefault) >= 2
            ? roles
            : throw new FileFormatException("holds fewer than two roles: one makes the axis, and another shows whether it is one", file);
    }

    private static PersonaRole Of(JsonSection row)
    {
        var isDefault = row.Flag("default") == true;
        var instruction = row.Text("instruction");
        if (string.IsNullOrWhiteSpace(instruction) && !isDefault)
            throw row.Missing("instruction");
        return new(row.Text("name") ?? throw row.Missing("name"), string.IsNullOrWhiteSpace(instruction) ? null : instruction, isDefault);
    }
}

/// <summary>What shows a trait and what does not: instructions in pairs, or openings of texts.</summary>
internal sealed record TraitContrast(
    string Name,
    IReadOnlyList<(string Positive, string Negative)> Instructions,
    IReadOnlyList<string> Positives,
    IReadOnlyList<string> Negatives,
    IReadOnlyList<string> Questions
)
{
    private const string OwnFile = "traits.jsonl";

    /// <summary>Whether it consists of openings.</summary>
    public bool IsOfOpenings => Instructions.Count == 0;

    /// <summary>
    /// Reads traits: JSON lines with <c>trait</c> and either <c>positive</c> and <c>negative</c> (instructions) or <c>polarity</c> and
    /// <c>text</c> (openings); or one JSON object with <c>instruction</c>, a list of <c>pos</c> and <c>neg</c>, and <c>questions</c>, as the
    /// persona_vectors program keeps them.
    /// </summary>
    /// <param name="file">The file; null for the traits that come along.</param>
    /// <exception cref="FileFormatException">It holds no trait, or one side of a trait alone.</exception>
    public static IReadOnlyList<TraitContrast> Read(string? file)
    {
        if (file is not null && TextFile.KindOf(file) == ".json")
            return [OfProgram(JsonFile.Read(file), file)];
        var rows = file is null ? StudyData.Rows(OwnFile) : [.. JsonLines.Read(file)];
        TraitContrast[] traits =
        [
            .. rows.GroupBy(row => row.Text("trait") ?? throw row.Missing("trait"))
                .Select(group => OfRows(group.Key, [.. group], file ?? OwnFile)),
        ];
        return traits.Length > 0 ? traits : throw new FileFormatException("holds no trait", file);
    }

    private static TraitContrast OfRows(string name, JsonSection[] rows, string file)
    {
        var instructions = rows.Where(row => row.Has("positive"))
            .Select(row => (row.Text("positive")!, row.Text("negative") ?? throw row.Missing("negative")));
        string[] Side(string polarity) =>
            [
                .. rows.Where(row => row.Has("polarity") && row.Text("polarity") == polarity)
                    .Select(row => row.Text("text") ?? throw row.Missing("text"))
                    .Distinct(),
            ];
        var trait = new TraitContrast(name, [.. instructions], Side("positive"), Side("negative"), []);
        return trait.Instructions.Count > 0 || (trait.Positives.Count > 0 && trait.Negatives.Count > 0)
            ? trait
            : throw new FileFormatException($"the trait '{name}' has one side only; a contrast needs both", file);
    }

    private static TraitContrast OfProgram(JsonSection all, string file)
    {
        var pairs = all.Objects("instruction")
            .Select(pair => (pair.Text("pos") ?? throw pair.Missing("pos"), pair.Text("neg") ?? throw pair.Missing("neg")))
            .ToArray();
        return pairs.Length > 0
            ? new(Path.GetFileNameWithoutExtension(Path.GetFileName(file)), pairs, [], [], all.Texts("questions") ?? [])
            : throw new FileFormatException("holds no instruction with pos and neg", file);
    }
}

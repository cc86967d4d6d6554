using System.Text.Json.Nodes;
using GemmaScope.Dictionaries;
using GemmaScope.Files;
using GemmaScope.Models;

namespace GemmaScope.Training;

/// <summary>A suite of dictionaries: everything that they share, and what is varied, each with each.</summary>
public sealed record SweepConfiguration
{
    /// <summary>The folder of the suite, laid out like a repository of Gemma Scope.</summary>
    public string Output { get; init; } = "";

    /// <summary>What is varied.</summary>
    public GridSettings Grid { get; init; } = new();

    /// <summary>What all dictionaries share: a training configuration without sites and output.</summary>
    public TrainingConfiguration Base { get; init; } = new();

    /// <summary>Memory for dictionaries that are trained together, in GiB; null: four fifths of what this process may use.</summary>
    public double? MemoryGib { get; init; }

    /// <summary>Reads a suite.</summary>
    /// <param name="file">A YAML file, or null.</param>
    /// <param name="values">Values that win over the file's, by their keys: <c>base.tokens</c>.</param>
    /// <exception cref="GemmaScopeException">A key is unknown, a value of another type, or they contradict each other.</exception>
    public static SweepConfiguration Load(string? file, IEnumerable<(string Key, JsonNode? Value)> values)
    {
        var suite = Settings.Read(YamlFile.ReadWith(file, values), new SweepConfiguration());
        suite.Check(file ?? "options");
        return suite;
    }

    /// <summary>Refuses what contradicts itself, as far as it does not depend on the data.</summary>
    /// <param name="source">What the error names.</param>
    /// <exception cref="FileFormatException">A value is missing, out of range, or contradicts another.</exception>
    public void Check(string source = "suite")
    {
        if (Output.Length == 0)
            throw new FileFormatException("'output' is missing: name the folder of the suite", source);
        if (Base.Sites.Count > 0 || Base.Targets.Count > 0)
            throw new FileFormatException("'base.sites' is what the grid varies; write grid.sites and grid.layers", source);
        if (Base.Search.L0 is not null)
            throw new FileFormatException(
                "'base.search.l0' is for a single dictionary; of a suite write grid.lambdas or grid.target_l0",
                source
            );
        if (MemoryGib is <= 0)
            throw new FileFormatException("'memory_gib' must be above 0", source);
    }

    /// <summary>The whole suite as YAML, defaults included.</summary>
    public string ToYaml()
    {
        // Where targets are varied the λ that is not named is theirs.
        var recipe = Grid.TargetL0.Count > 0 ? (Base.Recipe with { Sparsity = SparsityTerm.L0Target }) : Base.Recipe;
        var explicitly = Base with { Recipe = Base.Recipe with { Lambda = recipe.Lambda } };
        return Settings.ToYaml(this with { Base = explicitly.Explicit() }, explicitly.Remarks("base.recipe."));
    }
}

/// <summary>What a suite varies. Lists that are empty leave what <see cref="SweepConfiguration.Base"/> says.</summary>
public sealed record GridSettings
{
    /// <summary>Kinds of dictionaries.</summary>
    public IReadOnlyList<DictionaryKind> Kinds { get; init; } = [DictionaryKind.Sae];

    /// <summary>What autoencoders and crosscoders read, without layers.</summary>
    public IReadOnlyList<string> Sites { get; init; } = ["resid_post"];

    /// <summary>What transcoders read, without layers.</summary>
    public IReadOnlyList<string> Inputs { get; init; } = ["mlp_in"];

    /// <summary>The layers; of crosscoders and cross-layer transcoders those of one dictionary. Empty: all that the store has.</summary>
    public IReadOnlyList<int> Layers { get; init; } = [];

    /// <summary>Numbers of features.</summary>
    public IReadOnlyList<int> Widths { get; init; } = [];

    /// <summary>λ.</summary>
    public IReadOnlyList<double> Lambdas { get; init; } = [];

    /// <summary>L0 to be reached by the quadratic penalty.</summary>
    public IReadOnlyList<double> TargetL0 { get; init; } = [];

    /// <summary>k of the top-k family.</summary>
    public IReadOnlyList<int> K { get; init; } = [];

    /// <summary>Seeds of the first parameters.</summary>
    public IReadOnlyList<int> Seeds { get; init; } = [];
}

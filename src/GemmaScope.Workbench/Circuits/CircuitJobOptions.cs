using GemmaScope.Models;
using GemmaScope.Store;

namespace GemmaScope.Workbench;

/// <summary>What <see cref="CircuitJob"/> does.</summary>
public sealed record CircuitJobOptions
{
    /// <summary>The prompt.</summary>
    public required string Text { get; init; }

    /// <summary>Whether the prompt is what a user says to a chat model, and is written in the model's chat template.</summary>
    public bool AsMessage { get; init; }

    /// <summary>Whether a BOS is put in front, as the models expect.</summary>
    public bool AddBos { get; init; } = true;

    /// <summary>The transcoders: folders, files, or a set of the catalogue; none for the demo model's own.</summary>
    public IReadOnlyList<string> Transcoders { get; init; } = [];

    /// <summary>Where the transcoders read, of files that do not say it: resid_mid, ln2_normalized or mlp_in; null to take their
    /// word.</summary>
    public string? Site { get; init; }

    /// <summary>What is explained: a token as it is written (<c> are</c>), by its id (<c>#659</c>), the lead of one over another
    /// (<c> are/ is</c>), a feature (<c>feature:3/120@5</c>: layer, index, position), a direction of a file
    /// (<c>direction:probe.npy@resid_post.3@5</c>: site and position, the last where none is named; <c>FILE#NAME</c> of several tensors), or the
    /// lead of Yes over No in a ShieldGemma's verdict on the text (<c>shield:HARASSMENT</c>: the prompt is then the one that asks about this
    /// policy). None for the most likely next tokens.</summary>
    public IReadOnlyList<string> Targets { get; init; } = [];

    /// <summary>How much each target counts where influence is measured, in their order, at least 0; none for 1 each.</summary>
    public IReadOnlyList<double> Weights { get; init; } = [];

    /// <summary>Without targets: as many of the most likely tokens at most; from 1.</summary>
    public int Logits { get; init; } = 10;

    /// <summary>Without targets: tokens until their probabilities reach this together; above 0 and at most 1.</summary>
    public double Mass { get; init; } = 0.95;

    /// <summary>Features that become nodes at most, those with the most influence; from 1.</summary>
    public int Budget { get; init; } = 2000;

    /// <summary>Nodes are kept until they have this share of the influence; above 0 and at most 1.</summary>
    public double NodeShare { get; init; } = 0.8;

    /// <summary>Edges are kept until they have this share of what flows; above 0 and at most 1.</summary>
    public double EdgeShare { get; init; } = 0.98;

    /// <summary>Positions at the start that count as constants, from 1; null for 1, and for 4 in a conversation with Gemma 3.</summary>
    public int? ZeroPositions { get; init; }

    /// <summary>Paths reported for each target, from 0.</summary>
    public int Paths { get; init; } = 3;

    /// <summary>A database that knows what features are about; null for none. It stays open.</summary>
    public IFeatureDatabase? Known { get; init; }

    /// <summary>Folder of temporary files for what does not fit into memory; null for the system's.</summary>
    public string? WorkFolder { get; init; }

    /// <summary>Of <see cref="CircuitJob"/>: a file that the graph's rows are kept in as they are computed. A job that was stopped or killed
    /// goes on with them when it is begun again, and finds the same graph to the last bit. The file stays; null keeps none.</summary>
    public string? RowsFile { get; init; }

    /// <summary>Whether that file may be begun anew where it holds rows of something else.</summary>
    public bool Overwrite { get; init; }

    /// <summary>Whether the graph is checked by intervention too, so that it carries what that says: some 150 runs of the model.</summary>
    public bool WithCheck { get; init; }

    /// <summary>Finds out what is wrong before a model is loaded.</summary>
    /// <exception cref="ArgumentProblemException">A number is out of range, or a target cannot be read.</exception>
    public void Check()
    {
        Require(Logits >= 1, nameof(Logits), Logits, "1 or more");
        Require(Mass is > 0 and <= 1, nameof(Mass), Mass, "above 0 and at most 1");
        Require(Budget >= 1, nameof(Budget), Budget, "1 or more: a graph needs at least one feature");
        Require(NodeShare is > 0 and <= 1, nameof(NodeShare), NodeShare, "above 0 and at most 1");
        Require(EdgeShare is > 0 and <= 1, nameof(EdgeShare), EdgeShare, "above 0 and at most 1");
        Require(ZeroPositions is null or >= 1, nameof(ZeroPositions), ZeroPositions ?? 0, "1 or more");
        _ = SiteOf();
        CircuitTargets.Check(this);
        Require(Paths >= 0, nameof(Paths), Paths, "0 or more");

        static void Require(bool holds, string name, double value, string range)
        {
            if (!holds)
                throw new ArgumentProblemException($"is {value}; it must be {range}", new Setting(name));
        }
    }

    /// <summary>The kind of site that <see cref="Site"/> names.</summary>
    internal SiteKind? SiteOf() =>
        Site is null ? null
        : Models.Site.TryParse($"{Site}.0", out var site) && site.Kind is SiteKind.ResidMid or SiteKind.Ln2Normalized or SiteKind.MlpIn
            ? site.Kind
        : throw new ArgumentProblemException(
            $"'{Site}' is no site that transcoders read; name resid_mid, ln2_normalized or mlp_in",
            new Setting(nameof(Site))
        );
}

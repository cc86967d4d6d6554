using System.Numerics.Tensors;
using GemmaScope.Behaviour;
using GemmaScope.Models;

namespace GemmaScope.Server.Hosting;

/// <summary>A direction that conversations are watched along, and steered with.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Site">Where it is read, and added.</param>
/// <param name="Vector">The direction, as long as its file has it.</param>
public sealed record ServedDirection(string Name, Site Site, ReadOnlyMemory<float> Vector)
{
    // What files of directions are called by the programs that write them; their folders say which direction it is.
    private const string CommonName = "direction";

    /// <summary>Its length.</summary>
    internal double Norm => TensorPrimitives.Norm(Vector.Span);

    /// <summary>Reads a direction from a file.</summary>
    /// <param name="file">The file, in any form that <see cref="DirectionFile"/> reads; behind a colon the site, where no metadata beside the
    /// file say the layer before which it was read: <c>refusal.npy:resid_post.5</c>.</param>
    /// <exception cref="FileFormatException">There is no such file, or it holds no direction.</exception>
    /// <exception cref="ArgumentProblemException">It is not said where the direction belongs.</exception>
    public static ServedDirection Read(string file)
    {
        var (path, site) = Split(file);
        var stored = DirectionFile.Read(path);
        site ??= stored.Layer is { } layer
            ? Site.ResidPre(layer)
            : throw new ArgumentProblemException(
                $"{path} does not say where the direction belongs",
                new Setting(nameof(ServerOptions.Directions)),
                new Remedy($"name the site behind a colon: {path}:resid_pre.4")
            );
        return new(NameOf(path), site.Value, stored.Vector);
    }

    /// <summary>Gives each a name of its own.</summary>
    internal static IReadOnlyList<ServedDirection> Named(IReadOnlyList<ServedDirection> directions)
    {
        var seen = new Dictionary<string, int>();
        return
        [
            .. directions.Select(one =>
            {
                var times = seen[one.Name] = seen.GetValueOrDefault(one.Name) + 1;
                return times == 1 ? one : one with { Name = $"{one.Name} {times}" };
            }),
        ];
    }

    /// <summary>Refuses one that is of another model.</summary>
    /// <exception cref="ArgumentProblemException">The model has no such site, or one of another width.</exception>
    internal void Check(GemmaConfig config)
    {
        if (!config.Has(Site) || Site.IsAttentionMatrix(Site.Kind) || config.SiteWidth(Site) != Vector.Length)
            throw new ArgumentProblemException(
                $"{Name} has {Vector.Length} numbers at {Site}, {(config.Has(Site) ? $"where this model has {config.SiteWidth(Site)}" : "which this model does not have")}; it is of another model",
                new Setting(nameof(ServerOptions.Directions))
            );
    }

    // A path may hold a colon itself.
    private static (string Path, Site? Site) Split(string file) =>
        file.LastIndexOf(':') is > 0 and var colon && Site.TryParse(file[(colon + 1)..], out var site) ? (file[..colon], site)
        : !Path.Exists(file) && file.LastIndexOf(':') is > 1 and var other && Path.Exists(file[..other])
            ? throw new ArgumentProblemException(
                $"'{file[(other + 1)..]}' is no site",
                new Setting(nameof(ServerOptions.Directions)),
                new Remedy($"write one such as resid_pre.4 behind the colon")
            )
        : (file, null);

    private static string NameOf(string path)
    {
        var name = Directory.Exists(path)
            ? Path.GetFileName(Path.TrimEndingDirectorySeparator(path))
            : Path.GetFileNameWithoutExtension(path);
        return name == CommonName && Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(path))) is { Length: > 0 } folder
            ? folder
            : name;
    }
}

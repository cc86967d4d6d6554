namespace GemmaScope.Tests;

/// <summary>
/// Namespaces below <paramref name="root"/> in the order in which data flows through them: each may use those before it,
/// never those after it. The root namespace itself comes before all.
/// </summary>
internal sealed class Layers(string root, params string[] order)
{
    /// <summary>Each forbidden use among these types, as one line.</summary>
    public IEnumerable<string> Violations(IEnumerable<Type> types)
    {
        foreach (var type in types.Where(Belongs))
        {
            var own = Level(type);
            if (own < 0)
            {
                yield return $"{type} is in none of the known folders";
                continue;
            }
            foreach (var (place, used) in TypeReferences.Of(type).Distinct().Where(use => Belongs(use.Type) && Level(use.Type) > own))
                yield return $"{place} uses {used.FullName}, which comes after it";
        }
    }

    private bool Belongs(Type type) => $"{type.Namespace}.".StartsWith($"{root}.", StringComparison.Ordinal);

    /// <summary>0 for the root, 1 … for its folders, −1 for a folder that is not in the order.</summary>
    private int Level(Type type)
    {
        if (type.Namespace == root)
            return 0;
        var folder = type.Namespace![(root.Length + 1)..].Split('.')[0];
        var index = Array.IndexOf(order, folder);
        return index < 0 ? -1 : index + 1;
    }
}

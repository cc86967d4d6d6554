using GemmaScope.Dictionaries;
using GemmaScope.Features;

namespace GemmaScope.Workbench;

/// <summary>Says where labels do not belong to a dictionary.</summary>
internal static class LabelNotes
{
    /// <summary>Tells how many labels name a feature that the dictionary does not have; they may be those of another one.</summary>
    public static void Tell(FeatureLabels? labels, SparseDictionary dictionary, IProgress<JobReport>? progress)
    {
        if (labels?.Features.Where(feature => feature >= dictionary.Width).ToArray() is [var first, ..] beyond)
            progress.Note(
                $"{beyond.Length} of {labels.Count} labels are of features that {dictionary.Name} does not have, such as {first}; "
                    + $"it has 0 to {dictionary.Width - 1}"
            );
    }
}

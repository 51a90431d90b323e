// What the program for Unity in the package's page uses of Unity, which no package has. See
// https://docs.unity3d.com/ScriptReference/.

namespace UnityEngine
{
    public class Object
    {
    }

    public class Texture2D : Object
    {
        public Texture2D(int width, int height)
        {
        }
    }

    public static class ImageConversion
    {
        public static bool LoadImage(this Texture2D tex, byte[] data) => tex != null && data != null;
    }

    public class Material : Object
    {
        public Texture2D mainTexture { get; set; }
    }

    public class Renderer : Object
    {
        public Material material { get; set; }
    }

    public class MonoBehaviour : Object
    {
        public T GetComponent<T>() => default;
    }
}
